# Where the database is: outside, Aurora that pauses, or RDS behind RDS Proxy (proxy.tf). Within the network people log in
# by IAM, as two roles that are made there once: roliascan, and roliascan_migrations, who owns the tables.

locals {
  private = var.database != "outside"
  aurora  = var.database == "aurora"
  proxy   = var.database == "proxy"
  roots   = "sslrootcert=/opt/global-bundle.pem"

  database_url = (
    local.aurora ? "postgresql://roliascan@${aws_rds_cluster.site[0].endpoint}/roliascan?auth=aws-iam&pauses=yes&${local.roots}" :
    local.proxy ? "postgresql://roliascan@${aws_db_proxy.site[0].endpoint}/roliascan?auth=aws-iam" :
    "${local.parameters}/database-url"
  )
  database_direct_url = (
    local.aurora ? "postgresql://roliascan_migrations@${aws_rds_cluster.site[0].endpoint}/roliascan?auth=aws-iam&pauses=yes&${local.roots}" :
    local.proxy ? "postgresql://roliascan_migrations@${aws_db_instance.site[0].address}/roliascan?auth=aws-iam&${local.roots}" :
    "${local.parameters}/database-direct-url"
  )

  users = "arn:${local.partition}:rds-db:${var.region}:${local.account}:dbuser"
  database_user_arn = (
    local.aurora ? "${local.users}:${aws_rds_cluster.site[0].cluster_resource_id}/roliascan" :
    local.proxy ? "${local.users}:${element(split(":", aws_db_proxy.site[0].arn), 6)}/roliascan" : ""
  )
  migrations_user_arn = (
    local.aurora ? "${local.users}:${aws_rds_cluster.site[0].cluster_resource_id}/roliascan_migrations" :
    local.proxy ? "${local.users}:${aws_db_instance.site[0].resource_id}/roliascan_migrations" : ""
  )
  layers = aws_lambda_layer_version.roots[*].arn
}

resource "aws_rds_cluster" "site" {
  count                               = local.aurora ? 1 : 0
  cluster_identifier                  = local.name
  engine                              = "aurora-postgresql"
  engine_version                      = "16"
  database_name                       = "roliascan"
  master_username                     = "postgres"
  manage_master_user_password         = true
  iam_database_authentication_enabled = true
  enable_http_endpoint                = true # for the statements that make the two roles
  storage_encrypted                   = true
  backup_retention_period             = 7
  deletion_protection                 = true
  copy_tags_to_snapshot               = true
  skip_final_snapshot                 = false
  final_snapshot_identifier           = "${local.name}-last"
  db_subnet_group_name                = aws_db_subnet_group.site[0].name
  vpc_security_group_ids              = [aws_security_group.database[0].id]
  serverlessv2_scaling_configuration {
    min_capacity             = 0 # pauses when nobody was connected for five minutes
    max_capacity             = 2
    seconds_until_auto_pause = 300
  }
}

resource "aws_rds_cluster_instance" "site" {
  count              = local.aurora ? 1 : 0
  identifier         = "${local.name}-1"
  cluster_identifier = aws_rds_cluster.site[0].id
  engine             = aws_rds_cluster.site[0].engine
  engine_version     = aws_rds_cluster.site[0].engine_version
  instance_class     = "db.serverless"

  auto_minor_version_upgrade = true
}

# RDS signs its certificates by authorities of its own.
resource "aws_lambda_layer_version" "roots" {
  count            = local.private ? 1 : 0
  layer_name       = "${local.name}-rds-roots"
  filename         = var.rds_roots
  source_code_hash = filebase64sha256(var.rds_roots)
}
