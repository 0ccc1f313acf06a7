terraform {
  required_version = ">= 1.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { application = local.name }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name      = "roliascan-${var.stage}"
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  # Secrets are parameters of Systems Manager that you put there: Terraform's state has none.
  parameters = "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter/roliascan/${var.stage}"
}
