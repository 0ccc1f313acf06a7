output "site" {
  description = "The site's address."
  value       = local.site_url
}

output "address" {
  description = "cdn: what both names have to lead to."
  value       = one(google_compute_global_address.site[*].address)
}

output "bucket" {
  value = google_storage_bucket.files.name
}

output "images" {
  description = "Where files are read."
  value       = local.image_url
}

output "migrations" {
  description = "What to POST to before the new code serves."
  value       = google_cloud_run_v2_service.migrations.uri
}

output "roles" {
  description = "cloudsql: the statements that make the two roles."
  value       = local.sql ? templatefile("${path.module}/roles.sql", local.database_users) : null
}
