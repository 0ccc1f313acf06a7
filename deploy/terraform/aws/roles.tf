# Who the functions are, and what they may.

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "site" {
  name_prefix        = "${local.name}-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role" "migrations" {
  name_prefix        = "${local.name}-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "site" {
  name   = "site"
  role   = aws_iam_role.site.id
  policy = data.aws_iam_policy_document.site.json
}

data "aws_iam_policy_document" "site" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.site.arn}:log-stream:*"]
  }
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.files.arn}/*"]
  }
  statement {
    actions   = ["s3:ListBucket"] # without it a missing file is 403, not 404
    resources = [aws_s3_bucket.files.arn]
  }
  statement {
    actions   = ["ssm:GetParameter"]
    resources = concat(["${local.parameters}/jwt-secret"], var.database == "outside" ? ["${local.parameters}/database-url"] : [])
  }
  dynamic "statement" {
    for_each = local.database_user_arn == "" ? [] : [local.database_user_arn]
    content {
      actions   = ["rds-db:connect"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "migrations" {
  name   = "migrations"
  role   = aws_iam_role.migrations.id
  policy = data.aws_iam_policy_document.migrations.json
}

data "aws_iam_policy_document" "migrations" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.migrations.arn}:log-stream:*"]
  }
  dynamic "statement" {
    for_each = var.database == "outside" ? [1] : []
    content {
      actions   = ["ssm:GetParameter"]
      resources = ["${local.parameters}/database-direct-url"]
    }
  }
  dynamic "statement" {
    for_each = local.migrations_user_arn == "" ? [] : [local.migrations_user_arn]
    content {
      actions   = ["rds-db:connect"]
      resources = [statement.value]
    }
  }
}

# Lambda plugs the functions into the private subnets; their own code cannot use that right.
resource "aws_iam_role_policy" "network" {
  for_each = local.private ? { site = aws_iam_role.site.id, migrations = aws_iam_role.migrations.id } : {}
  name     = "network"
  role     = each.value
  policy   = data.aws_iam_policy_document.network.json
}

data "aws_iam_policy_document" "network" {
  statement {
    actions = [
      "ec2:CreateNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:DeleteNetworkInterface",
      "ec2:AssignPrivateIpAddresses",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
  }
  statement {
    effect = "Deny"
    actions = [
      "ec2:CreateNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:DeleteNetworkInterface",
      "ec2:AssignPrivateIpAddresses",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
    condition {
      test     = "ArnLike"
      variable = "lambda:SourceFunctionArn"
      values   = ["arn:${local.partition}:lambda:${var.region}:${local.account}:function:${local.name}-*"]
    }
  }
}
