# What is due is published, and what nobody needs is cleared away. Google's front end lets only the schedule in.

resource "google_cloud_run_v2_service" "sweep" {
  name                = "${local.name}-sweep"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  depends_on          = [google_project_service.needed, google_secret_manager_secret_iam_member.site]
  deletion_protection = false # there is nothing in it
  template {
    service_account                  = google_service_account.site.email
    timeout                          = "60s" # it starts nothing new after 50
    max_instance_request_concurrency = 1
    scaling {
      min_instance_count = 0
      max_instance_count = 1
    }
    containers {
      image = "${local.images}/roliascan:${var.release}"
      resources {
        limits   = { cpu = "1", memory = "512Mi" }
        cpu_idle = true
      }
      dynamic "env" {
        for_each = merge(local.site, { FUNCTION_TARGET = "sweep", DATABASE_POOL = "1" })
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

resource "google_cloud_run_v2_service_iam_member" "schedule" {
  name     = google_cloud_run_v2_service.sweep.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.schedule.member
}

resource "google_cloud_scheduler_job" "sweep" {
  name             = "${local.name}-sweep"
  region           = var.region
  schedule         = var.sweep
  attempt_deadline = "60s"
  http_target {
    http_method = "POST"
    uri         = google_cloud_run_v2_service.sweep.uri
    oidc_token {
      service_account_email = google_service_account.schedule.email
      audience              = google_cloud_run_v2_service.sweep.uri
    }
  }
}
