# What one looks at. Requests, times and starts are Cloud Run's own metrics; what only the site knows is counted in its
# log, where nothing is counted, and nothing paid, while nobody reads. Labels are routes, statuses and codes of ours.

locals {
  counted = {
    refusals = {
      filter = "jsonPayload.event=\"request\" AND jsonPayload.status>=400 AND jsonPayload.status<500"
      labels = ["route", "status"]
    }
    logins-refused = {
      filter = "jsonPayload.event=\"request\" AND jsonPayload.route=\"/api/v1/auth/login\" AND jsonPayload.status=(401 OR 403 OR 429)"
      labels = ["status"]
    }
    database-faults = {
      filter = "jsonPayload.event=(\"request\" OR \"sweep failed\") AND jsonPayload.code=~\"^database_\""
      labels = ["code"]
    }
    storage-faults = {
      filter = "jsonPayload.event=\"fault\" OR jsonPayload.code=\"storage_full\" OR (jsonPayload.event=\"sweep failed\" AND jsonPayload.fault:*)"
      labels = ["event"]
    }
    cold-starts = {
      filter = "jsonPayload.cold=true"
      labels = []
    }
    crashes = {
      filter = "jsonPayload.event=(\"crash\" OR \"not started\")"
      labels = ["event"]
    }
  }
}

resource "google_logging_metric" "site" {
  for_each   = local.counted
  name       = "${local.name}-${each.key}"
  filter     = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(\"${local.name}-web\" OR \"${local.name}-sweep\") AND (${each.value.filter})"
  depends_on = [google_project_service.needed]
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }
  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }
}

resource "google_monitoring_dashboard" "site" {
  dashboard_json = templatefile("${path.module}/dashboard.json.tmpl", { Name = local.name })
  depends_on     = [google_project_service.needed, google_logging_metric.site]
}

output "dashboard" {
  description = "Where to look."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.site.id)}?project=${var.project}"
}
