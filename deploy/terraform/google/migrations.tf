# What migrates, before the new code serves. Nobody may call it but those in `run.invoker`: owners of the project may.

resource "google_cloud_run_v2_service" "migrations" {
  name                = "${local.name}-migrations"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  depends_on          = [google_project_service.needed, google_secret_manager_secret_iam_member.migrations]
  deletion_protection = false # there is nothing in it
  template {
    service_account                  = google_service_account.migrations.email
    timeout                          = "600s"
    max_instance_request_concurrency = 1
    scaling {
      min_instance_count = 0
      max_instance_count = 1
    }
    containers {
      image = "${local.images}/roliascan-migrations:${local.migrations_release}"
      resources {
        limits   = { cpu = "1", memory = "512Mi" }
        cpu_idle = true
      }
      dynamic "env" {
        for_each = { DATABASE_DIRECT_URL = local.database_direct_url, FUNCTION_TARGET = "migrate" }
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
