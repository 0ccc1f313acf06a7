# The site, its sweep, and what migrates its database: services of Cloud Run, which start when they are called and cost
# nothing while nobody does. Cloud Functions are the same below, but Terraform cannot give them the socket of Cloud SQL.

locals {
  host = "${local.name}-web-${data.google_project.site.number}.${var.region}.run.app"
  site = {
    DATABASE_URL    = local.database_url
    JWT_SECRET      = google_secret_manager_secret.site["jwt-secret"].id
    PUBLIC_URL      = local.site_url
    STORAGE_URL     = "gs://${google_storage_bucket.files.name}"
    IMAGE_URL       = local.image_url
    FILES           = var.private_files ? "private" : "public"
    CORS_ORIGINS    = join(",", var.cors_origins)
    TRUSTED_HOPS    = var.cdn ? "2" : "1" # Google's front end, and before it the load balancer
    REQUEST_TIMEOUT = "60s"

    # With it Cloud Logging shows what the site says of a request below that request.
    GOOGLE_CLOUD_PROJECT = var.project
  }
  site_url           = var.cdn ? "https://${var.site_domain}" : "https://${local.host}"
  migrations_release = var.migrations_release == "" ? var.release : var.migrations_release
}

resource "google_cloud_run_v2_service" "web" {
  name     = "${local.name}-web"
  location = var.region
  # With a load balancer nobody goes past it and makes up the address that they come from.
  ingress             = var.cdn ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL"
  depends_on          = [google_project_service.needed, google_secret_manager_secret_iam_member.site]
  deletion_protection = false # there is nothing in it
  template {
    service_account                  = google_service_account.site.email
    timeout                          = "60s"
    max_instance_request_concurrency = 4 # threads and connections of a process
    scaling {
      min_instance_count = 0
      max_instance_count = var.max_instances
    }
    containers {
      image = "${local.images}/roliascan:${var.release}"
      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = merge(local.site, { FUNCTION_TARGET = "web" })
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "volume_mounts" {
        for_each = local.sockets
        content {
          name       = "cloudsql"
          mount_path = "/cloudsql"
        }
      }
    }
    dynamic "volumes" {
      for_each = local.sockets
      content {
        name = "cloudsql"
        cloud_sql_instance {
          instances = [volumes.value]
        }
      }
    }
    dynamic "vpc_access" {
      for_each = local.subnets
      content {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          subnetwork = vpc_access.value
        }
      }
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "readers" {
  name     = google_cloud_run_v2_service.web.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers" # people sign in to the site
}
