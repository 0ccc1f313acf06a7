# Who may speak with whom in the private network.

resource "aws_security_group" "function" {
  count       = local.private ? 1 : 0
  name        = "${local.name}-function"
  description = "The functions"
  vpc_id      = aws_vpc.site[0].id
}

resource "aws_security_group" "database" {
  count       = local.private ? 1 : 0
  name        = "${local.name}-database"
  description = "The database, and the proxy before it"
  vpc_id      = aws_vpc.site[0].id
}

resource "aws_security_group" "endpoint" {
  count       = local.private ? 1 : 0
  name        = "${local.name}-endpoint"
  description = "What leads to the parameters"
  vpc_id      = aws_vpc.site[0].id
}

resource "aws_vpc_security_group_egress_rule" "function" {
  for_each = local.private ? {
    5432 = aws_security_group.database[0].id
    443  = aws_security_group.endpoint[0].id
  } : {}
  description                  = "To the database and the parameters"
  security_group_id            = aws_security_group.function[0].id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.key)
  to_port                      = tonumber(each.key)
}

resource "aws_vpc_security_group_egress_rule" "files" {
  count             = local.private ? 1 : 0
  description       = "To S3"
  security_group_id = aws_security_group.function[0].id
  prefix_list_id    = aws_vpc_endpoint.s3[0].prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each = local.private ? {
    functions = aws_security_group.function[0].id
    proxy     = aws_security_group.database[0].id
  } : {}
  description                  = "From the ${each.key}"
  security_group_id            = aws_security_group.database[0].id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  count                        = local.proxy ? 1 : 0
  description                  = "From the proxy to the database"
  security_group_id            = aws_security_group.database[0].id
  referenced_security_group_id = aws_security_group.database[0].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "endpoint" {
  count                        = local.private ? 1 : 0
  description                  = "From the functions"
  security_group_id            = aws_security_group.endpoint[0].id
  referenced_security_group_id = aws_security_group.function[0].id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}
