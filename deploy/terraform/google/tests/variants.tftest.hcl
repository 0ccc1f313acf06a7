# Plans and applies each variant before a provider that is played.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/comics/serviceAccounts/one@comics.iam.gserviceaccount.com"
      email  = "one@comics.iam.gserviceaccount.com"
      member = "serviceAccount:one@comics.iam.gserviceaccount.com"
    }
  }
  mock_resource "google_secret_manager_secret" {
    defaults = { id = "projects/comics/secrets/one" }
  }
  mock_resource "google_sql_database_instance" {
    defaults = { connection_name = "comics:europe-west1:roliascan-prod" }
  }
}

variables {
  project = "comics"
  release = "abc1234"
}

run "outside" {
  command = apply

  assert {
    condition     = strcontains(google_monitoring_dashboard.site.dashboard_json, "user/roliascan-prod-refusals") && can(jsondecode(google_monitoring_dashboard.site.dashboard_json)) && google_logging_metric.site["refusals"].label_extractors == tomap({ route = "EXTRACT(jsonPayload.route)", status = "EXTRACT(jsonPayload.status)" })
    error_message = "the dashboard shows nothing"
  }
  assert {
    condition     = output.site == "https://roliascan-prod-web-123456789012.europe-west1.run.app"
    error_message = "the site has another address"
  }
  assert {
    condition     = local.site.DATABASE_URL == "projects/comics/secrets/one" && local.site.JWT_SECRET == "projects/comics/secrets/one"
    error_message = "secrets are no references"
  }
  assert {
    condition     = length(google_sql_database_instance.site) + length(google_compute_global_forwarding_rule.site) == 0
    error_message = "something is made that costs at rest"
  }
  assert {
    condition     = length(google_cloud_run_v2_service.web.template[0].volumes) + length(google_cloud_run_v2_service.web.template[0].vpc_access) == 0
    error_message = "the site is connected to what is not there"
  }
}

run "cloudsql" {
  command = apply
  variables {
    database = "cloudsql"
  }

  assert {
    condition     = local.site.DATABASE_URL == "postgresql://one%40comics.iam@/roliascan?host=/cloudsql/comics:europe-west1:roliascan-prod&auth=google-iam"
    error_message = "the site does not log in by IAM, through the socket"
  }
  assert {
    condition     = alltrue([for one in [google_cloud_run_v2_service.web, google_cloud_run_v2_service.sweep, google_cloud_run_v2_service.migrations] : contains(one.template[0].volumes[0].cloud_sql_instance[0].instances, "comics:europe-west1:roliascan-prod")])
    error_message = "a service has no socket"
  }
  assert {
    condition     = length(google_project_iam_member.database) == 4 && keys(google_secret_manager_secret.site) == ["jwt-secret"]
    error_message = "the accounts may not log in, or there is a secret too many"
  }
  assert {
    condition     = strcontains(output.roles, "GRANT USAGE ON SCHEMA public TO \"one@comics.iam\"")
    error_message = "the statements name nobody"
  }
}

run "network" {
  command = plan
  variables {
    subnet = "databases"
  }

  assert {
    condition     = google_cloud_run_v2_service.migrations.template[0].vpc_access[0].network_interfaces[0].subnetwork == "databases"
    error_message = "migrations are not in the network of the database"
  }
}

run "cdn" {
  command = apply
  variables {
    cdn           = true
    site_domain   = "comics.example"
    images_domain = "images.comics.example"
  }

  assert {
    condition     = local.site.PUBLIC_URL == "https://comics.example" && local.site.IMAGE_URL == "https://images.comics.example" && local.site.TRUSTED_HOPS == "2"
    error_message = "the site does not know what stands before it"
  }
  assert {
    condition     = google_cloud_run_v2_service.web.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    error_message = "the site can be reached past the load balancer"
  }
}

run "private" {
  command = plan
  variables {
    private_files = true
  }

  assert {
    condition     = local.site.FILES == "private" && local.site.IMAGE_URL == "" && length(google_storage_bucket_iam_member.readers) == 0
    error_message = "strangers read files"
  }
}

run "private_before_strangers" {
  command = plan
  variables {
    private_files = true
    cdn           = true
    site_domain   = "comics.example"
    images_domain = "images.comics.example"
  }
  expect_failures = [google_compute_managed_ssl_certificate.site]
}

run "no_names" {
  command = plan
  variables {
    cdn = true
  }
  expect_failures = [google_compute_managed_ssl_certificate.site]
}
