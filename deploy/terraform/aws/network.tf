# A private network for a database of AWS's, without a way out: S3 and the parameters are reached by endpoints.

locals {
  network = local.private ? [{ subnets = aws_subnet.private[*].id, groups = aws_security_group.function[*].id }] : []
}

resource "aws_vpc" "site" {
  count                = local.private ? 1 : 0
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = local.name }
}

resource "aws_default_security_group" "closed" {
  count  = local.private ? 1 : 0
  vpc_id = aws_vpc.site[0].id
}

resource "aws_subnet" "private" {
  count             = local.private ? 2 : 0
  vpc_id            = aws_vpc.site[0].id
  cidr_block        = "10.20.${count.index}.0/24"
  availability_zone = "${var.region}${var.zones[count.index]}"
}

resource "aws_db_subnet_group" "site" {
  count      = local.private ? 1 : 0
  name       = local.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_vpc_endpoint" "s3" {
  count           = local.private ? 1 : 0
  vpc_id          = aws_vpc.site[0].id
  service_name    = "com.amazonaws.${var.region}.s3"
  route_table_ids = [aws_vpc.site[0].default_route_table_id]
}

# Costs by the hour; in one zone, which is enough for a few questions at each start.
resource "aws_vpc_endpoint" "ssm" {
  count               = local.private ? 1 : 0
  vpc_id              = aws_vpc.site[0].id
  service_name        = "com.amazonaws.${var.region}.ssm"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [aws_subnet.private[0].id]
  security_group_ids  = [aws_security_group.endpoint[0].id]
}
