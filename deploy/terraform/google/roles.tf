# Who the services are, and what they may.

resource "google_service_account" "site" {
  account_id   = "${local.name}-site"
  display_name = "The site, and its sweep"
}

resource "google_service_account" "migrations" {
  account_id   = "${local.name}-migrations"
  display_name = "What migrates"
}

resource "google_service_account" "schedule" {
  account_id   = "${local.name}-schedule"
  display_name = "Calls the sweep, and may nothing else"
}

locals {
  accounts = { site = google_service_account.site, migrations = google_service_account.migrations }
}

resource "google_storage_bucket_iam_member" "site" {
  bucket = google_storage_bucket.files.name
  role   = "roles/storage.objectUser"
  member = google_service_account.site.member
}

# It has no key: IAM signs its tickets, by signBlob, and it may ask that for itself only.
resource "google_service_account_iam_member" "signs" {
  service_account_id = google_service_account.site.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.site.member
}

# These roles are the project's; the condition makes them this one instance's.
resource "google_project_iam_member" "database" {
  for_each = { for pair in setproduct(keys(local.accounts), ["client", "instanceUser"]) : join(" ", pair) => pair if local.sql }
  project  = var.project
  role     = "roles/cloudsql.${each.value[1]}"
  member   = local.accounts[each.value[0]].member
  condition {
    title      = "${local.name} only"
    expression = "resource.name == 'projects/${var.project}/instances/${local.name}' && resource.service == 'sqladmin.googleapis.com'"
  }
}
