# Places for secrets; you put them there by gcloud, so that Terraform's state has none. The services are told where they
# are, and read them when they start.

resource "google_secret_manager_secret" "site" {
  for_each   = toset(local.sql ? ["jwt-secret"] : ["jwt-secret", "database-url"])
  secret_id  = "${local.name}-${each.key}"
  depends_on = [google_project_service.needed]
  replication {
    auto {}
  }
}

resource "google_secret_manager_secret" "migrations" {
  for_each   = toset(local.sql ? [] : ["database-direct-url"])
  secret_id  = "${local.name}-${each.key}"
  depends_on = [google_project_service.needed]
  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "site" {
  for_each  = google_secret_manager_secret.site
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.site.member
}

resource "google_secret_manager_secret_iam_member" "migrations" {
  for_each  = google_secret_manager_secret.migrations
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.migrations.member
}
