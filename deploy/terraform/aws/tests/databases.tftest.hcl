# `terraform test` plans each kind of database; nobody is asked, and nothing is made.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/roliascan-prod" }
  }
  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:123456789012:layer:roliascan-prod-rds-roots:1" }
  }
  mock_resource "aws_lambda_function" {
    defaults = {
      arn        = "arn:aws:lambda:eu-central-1:123456789012:function:roliascan-prod-web"
      invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:roliascan-prod-web/invocations"
    }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:123456789012:rule/roliascan-prod-sweep" }
  }
  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      api_endpoint  = "https://abc.execute-api.eu-central-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:eu-central-1:123456789012:abc"
    }
  }
  mock_resource "aws_rds_cluster" {
    defaults = { cluster_resource_id = "cluster-ABC", endpoint = "roliascan-prod.cluster-abc.eu-central-1.rds.amazonaws.com" }
  }
  mock_resource "aws_db_instance" {
    defaults = { resource_id = "db-ABC", address = "roliascan-prod.abc.eu-central-1.rds.amazonaws.com" }
  }
  mock_resource "aws_db_proxy_default_target_group" {
    defaults = { name = "default" }
  }
  mock_resource "aws_db_proxy" {
    defaults = {
      arn      = "arn:aws:rds:eu-central-1:123456789012:db-proxy:prx-abc"
      endpoint = "roliascan-prod.proxy-abc.eu-central-1.rds.amazonaws.com"
    }
  }
}

run "outside" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.errors) + length(aws_cloudwatch_metric_alarm.sweeps) + length(aws_sns_topic.alarms) == 0
    error_message = "somebody is written to who did not ask"
  }
  assert {
    condition     = local.site.METRICS == "emf" && strcontains(aws_cloudwatch_dashboard.site.dashboard_body, "SOURCE '/roliascan/prod/site' | filter") && strcontains(aws_cloudwatch_dashboard.site.dashboard_body, "\"roliascan-prod-sweep\"") && can(jsondecode(aws_cloudwatch_dashboard.site.dashboard_body))
    error_message = "the dashboard shows nothing"
  }
  assert {
    condition     = aws_lambda_function.web.environment[0].variables.DATABASE_URL == "arn:aws:ssm:eu-central-1:123456789012:parameter/roliascan/prod/database-url"
    error_message = "the address is not the parameter of it"
  }
  assert {
    condition     = length(aws_vpc.site) + length(aws_rds_cluster.site) + length(aws_db_proxy.site) + length(aws_vpc_endpoint.ssm) == 0
    error_message = "something is made that costs at rest"
  }
  assert {
    condition     = length(aws_lambda_function.web.vpc_config) == 0
    error_message = "the function is in a network"
  }
}

run "aurora" {
  command = apply
  variables {
    database = "aurora"
  }

  assert {
    condition     = aws_rds_cluster.site[0].serverlessv2_scaling_configuration[0].min_capacity == 0
    error_message = "it does not pause"
  }
  assert {
    condition     = strcontains(aws_lambda_function.web.environment[0].variables.DATABASE_URL, "auth=aws-iam&pauses=yes&sslrootcert=/opt/global-bundle.pem")
    error_message = "the site does not log in by IAM, or does not wait for a database that pauses"
  }
  assert {
    condition     = length(aws_db_proxy.site) == 0
    error_message = "a proxy keeps it awake"
  }
  assert {
    condition     = alltrue([for one in [aws_lambda_function.web, aws_lambda_function.sweep, aws_lambda_function.migrations] : length(one.vpc_config) == 1])
    error_message = "a function is not in the network of the database"
  }
}

run "proxy" {
  command = apply
  variables {
    database         = "proxy"
    proxy_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:roliascan-AbCdEf"
  }

  assert {
    condition     = strcontains(aws_lambda_function.web.environment[0].variables.DATABASE_URL, aws_db_proxy.site[0].endpoint)
    error_message = "the site goes past the proxy"
  }
  assert {
    condition     = strcontains(aws_lambda_function.migrations.environment[0].variables.DATABASE_DIRECT_URL, aws_db_instance.site[0].address)
    error_message = "migrations do not go to the database itself"
  }
}

run "no_secret" {
  command = plan
  variables {
    database = "proxy"
  }
  expect_failures = [aws_db_proxy.site]
}

run "names" {
  command = plan
  variables {
    site_domain = "comics.example"
  }
  expect_failures = [aws_cloudfront_distribution.site]
}

run "alarms" {
  command = plan
  variables {
    alarm_email = "you@example.org"
  }

  assert {
    condition     = aws_sns_topic_subscription.alarms["you@example.org"].endpoint == "you@example.org" && aws_cloudwatch_metric_alarm.errors["you@example.org"].dimensions == tomap({ function = "roliascan-prod-web" })
    error_message = "nobody is written to"
  }
}
