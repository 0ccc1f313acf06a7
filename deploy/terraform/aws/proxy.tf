# RDS behind RDS Proxy: for many readers at once. Both cost at rest.

resource "aws_db_instance" "site" {
  count                               = local.proxy ? 1 : 0
  identifier                          = local.name
  engine                              = "postgres"
  engine_version                      = "16"
  instance_class                      = "db.t4g.micro"
  allocated_storage                   = 20
  db_name                             = "roliascan"
  username                            = "postgres"
  manage_master_user_password         = true
  iam_database_authentication_enabled = true
  storage_encrypted                   = true
  auto_minor_version_upgrade          = true
  backup_retention_period             = 7
  deletion_protection                 = true
  copy_tags_to_snapshot               = true
  skip_final_snapshot                 = false
  final_snapshot_identifier           = "${local.name}-last"
  db_subnet_group_name                = aws_db_subnet_group.site[0].name
  vpc_security_group_ids              = [aws_security_group.database[0].id]
}

resource "aws_db_proxy" "site" {
  count                  = local.proxy ? 1 : 0
  name                   = local.name
  engine_family          = "POSTGRESQL"
  require_tls            = true
  role_arn               = aws_iam_role.proxy[0].arn
  vpc_subnet_ids         = aws_subnet.private[*].id
  vpc_security_group_ids = [aws_security_group.database[0].id]
  auth {
    auth_scheme = "SECRETS"
    iam_auth    = "REQUIRED"
    secret_arn  = var.proxy_secret_arn
  }
  lifecycle {
    precondition {
      condition     = var.proxy_secret_arn != ""
      error_message = "proxy_secret_arn is the secret by which the proxy logs in."
    }
  }
}

resource "aws_db_proxy_default_target_group" "site" {
  count         = local.proxy ? 1 : 0
  db_proxy_name = aws_db_proxy.site[0].name
}

resource "aws_db_proxy_target" "site" {
  count                  = local.proxy ? 1 : 0
  db_proxy_name          = aws_db_proxy.site[0].name
  target_group_name      = aws_db_proxy_default_target_group.site[0].name
  db_instance_identifier = aws_db_instance.site[0].identifier
}

data "aws_iam_policy_document" "rds" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["rds.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "proxy" {
  count              = local.proxy ? 1 : 0
  name_prefix        = "${local.name}-"
  assume_role_policy = data.aws_iam_policy_document.rds.json
}

resource "aws_iam_role_policy" "proxy" {
  count  = local.proxy ? 1 : 0
  name   = "secret"
  role   = aws_iam_role.proxy[0].id
  policy = data.aws_iam_policy_document.proxy.json
}

data "aws_iam_policy_document" "proxy" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.proxy_secret_arn]
  }
}
