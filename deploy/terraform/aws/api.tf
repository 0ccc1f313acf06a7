# An HTTP API between CloudFront and the function. The name of its stage cannot be guessed and stands before every path:
# only CloudFront knows it, so nobody can go past CloudFront and make up the address that they come from.

resource "aws_apigatewayv2_api" "site" {
  name          = local.name
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "site" {
  api_id                 = aws_apigatewayv2_api.site.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.web.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "site" {
  api_id             = aws_apigatewayv2_api.site.id
  route_key          = "$default"
  target             = "integrations/${aws_apigatewayv2_integration.site.id}"
  authorization_type = "NONE" # people sign in to the site
}

resource "aws_apigatewayv2_stage" "site" {
  api_id      = aws_apigatewayv2_api.site.id
  name        = uuid() # made once; to change it: terraform apply -replace aws_apigatewayv2_stage.site
  auto_deploy = true
  default_route_settings {
    throttling_rate_limit  = 100
    throttling_burst_limit = 200
  }
  lifecycle {
    ignore_changes = [name]
  }
}

resource "aws_lambda_permission" "api" {
  function_name = aws_lambda_function.web.function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.site.execution_arn}/*"
}
