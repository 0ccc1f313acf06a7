# The site, its sweep, and what migrates its database.

locals {
  site = {
    DATABASE_URL = local.database_url
    JWT_SECRET   = "${local.parameters}/jwt-secret"
    PUBLIC_URL   = local.site_url
    STORAGE_URL  = "s3://${aws_s3_bucket.files.id}?region=${var.region}"
    IMAGE_URL    = local.image_url
    CORS_ORIGINS = join(",", var.cors_origins)
    TRUSTED_HOPS = "1" # CloudFront; nobody else gets through, see api.tf
    METRICS      = "emf"
  }
}

resource "aws_lambda_function" "web" {
  function_name    = "${local.name}-web"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "roliascan.platforms.aws_lambda.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  memory_size      = 1024
  timeout          = 28 # the API gives up after 30
  role             = aws_iam_role.site.arn
  layers           = local.layers
  depends_on       = [aws_iam_role_policy.network]
  environment {
    variables = local.site
  }
  dynamic "vpc_config" {
    for_each = local.network
    content {
      subnet_ids         = vpc_config.value.subnets
      security_group_ids = vpc_config.value.groups
    }
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.site.name
  }
}

resource "aws_lambda_function" "sweep" {
  function_name    = "${local.name}-sweep"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "roliascan.platforms.aws_lambda.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  memory_size      = 512
  timeout          = 300 # it starts nothing new when 5 s are left
  role             = aws_iam_role.site.arn
  layers           = local.layers
  depends_on       = [aws_iam_role_policy.network]
  environment {
    variables = local.site
  }
  dynamic "vpc_config" {
    for_each = local.network
    content {
      subnet_ids         = vpc_config.value.subnets
      security_group_ids = vpc_config.value.groups
    }
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.site.name
  }
}

resource "aws_lambda_function" "migrations" {
  function_name    = "${local.name}-migrations"
  filename         = var.migrations
  source_code_hash = filebase64sha256(var.migrations)
  handler          = "roliascan.platforms.aws_migrations.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  memory_size      = 512
  timeout          = 600
  role             = aws_iam_role.migrations.arn
  layers           = local.layers
  depends_on       = [aws_iam_role_policy.network]
  environment {
    variables = { DATABASE_DIRECT_URL = local.database_direct_url }
  }
  dynamic "vpc_config" {
    for_each = local.network
    content {
      subnet_ids         = vpc_config.value.subnets
      security_group_ids = vpc_config.value.groups
    }
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.migrations.name
  }
}

resource "aws_cloudwatch_log_group" "site" {
  name              = "/roliascan/${var.stage}/site"
  retention_in_days = 30
}

resource "aws_cloudwatch_log_group" "migrations" {
  name              = "/roliascan/${var.stage}/migrations"
  retention_in_days = 30
}
