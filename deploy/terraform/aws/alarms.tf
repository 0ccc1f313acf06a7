# Two letters that an operator may want: the site fails people, and what is due is not published. Off without an address.
# An account's first ten alarms and a thousand letters a month cost nothing.

variable "alarm_email" {
  description = "Who is written to when the site fails. Amazon asks that address first. None, and nobody is."
  type        = string
  default     = ""
}

locals {
  alarmed = var.alarm_email == "" ? toset([]) : toset([var.alarm_email])
}

resource "aws_sns_topic" "alarms" {
  for_each = local.alarmed
  name     = "${local.name}-alarms"
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each  = local.alarmed
  topic_arn = aws_sns_topic.alarms[each.key].arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each            = local.alarmed
  alarm_name          = "${local.name}-errors"
  alarm_description   = "Five requests in five minutes were answered with 500 or above."
  namespace           = "RoliaScan"
  metric_name         = "errors"
  dimensions          = { function = aws_lambda_function.web.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms[each.key].arn]
}

resource "aws_cloudwatch_metric_alarm" "sweeps" {
  for_each            = local.alarmed
  alarm_name          = "${local.name}-sweeps"
  alarm_description   = "A sweep failed, and failed again when Lambda repeated it."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.sweep.function_name }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms[each.key].arn]
}
