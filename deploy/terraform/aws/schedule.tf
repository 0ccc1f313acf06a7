# What is due is published, and what nobody needs is cleared away.

resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${local.name}-sweep"
  schedule_expression = var.sweep
}

resource "aws_cloudwatch_event_target" "sweep" {
  rule = aws_cloudwatch_event_rule.sweep.name
  arn  = aws_lambda_function.sweep.arn
}

resource "aws_lambda_permission" "schedule" {
  function_name = aws_lambda_function.sweep.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.sweep.arn
}
