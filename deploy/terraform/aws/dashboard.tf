# One dashboard, of metrics that the log carries. CloudWatch's first three dashboards and ten metrics cost nothing.

resource "aws_cloudwatch_dashboard" "site" {
  dashboard_name = local.name
  dashboard_body = templatefile("${path.module}/../../cloudwatch/dashboard.json.tmpl", {
    Region  = var.region
    Web     = aws_lambda_function.web.function_name
    Sweep   = aws_lambda_function.sweep.function_name
    Sources = "SOURCE '${aws_cloudwatch_log_group.site.name}'"
  })
}

output "dashboard" {
  description = "Where to look."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.site.dashboard_name}"
}
