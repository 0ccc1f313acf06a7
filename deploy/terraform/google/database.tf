# Where the database is: outside, its addresses secrets; or Cloud SQL by its socket, where service accounts log in by
# IAM, so that there is no password. What the two may there, roles.sql says once.

locals {
  sockets = google_sql_database_instance.site[*].connection_name
  subnets = var.subnet == "" ? [] : [var.subnet]

  database_users      = { for who, account in local.accounts : who => trimsuffix(account.email, ".gserviceaccount.com") }
  addresses           = { for who, user in local.database_users : who => "postgresql://${replace(user, "@", "%40")}@/roliascan?host=/cloudsql/${join("", local.sockets)}&auth=google-iam" }
  database_url        = local.sql ? local.addresses.site : google_secret_manager_secret.site["database-url"].id
  database_direct_url = local.sql ? local.addresses.migrations : google_secret_manager_secret.migrations["database-direct-url"].id
}

resource "google_sql_database_instance" "site" {
  count               = local.sql ? 1 : 0
  name                = local.name
  region              = var.region
  database_version    = "POSTGRES_15" # in 16 `postgres` may not grant what it did not make, see roles.sql
  deletion_protection = true
  depends_on          = [google_project_service.needed]
  settings {
    tier                        = var.database_tier
    edition                     = "ENTERPRISE"
    deletion_protection_enabled = true
    connector_enforcement       = "REQUIRED" # only Google's proxies get in, of whom IAM lets
    ip_configuration {
      ipv4_enabled   = true # no network is let in
      ssl_mode       = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
      server_ca_mode = "GOOGLE_MANAGED_INTERNAL_CA"
    }
    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }
    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }
  }
}

resource "google_sql_database" "site" {
  count    = local.sql ? 1 : 0
  name     = "roliascan"
  instance = google_sql_database_instance.site[0].name
}

resource "google_sql_user" "site" {
  for_each = local.sql ? local.database_users : {}
  name     = each.value
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
  instance = google_sql_database_instance.site[0].name
}
