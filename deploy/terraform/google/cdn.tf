# A load balancer with two names: the site's, and that of files, which Cloud CDN keeps. Only with `cdn`: it costs at rest.

locals {
  cdn = var.cdn ? 1 : 0
}

resource "google_compute_backend_bucket" "files" {
  count                   = local.cdn
  name                    = "${local.name}-files"
  bucket_name             = google_storage_bucket.files.name
  enable_cdn              = true
  custom_response_headers = ["X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'; sandbox"]
  depends_on              = [google_project_service.needed]
  cdn_policy {
    cache_mode = "USE_ORIGIN_HEADERS" # a day, as each file says
  }
}

resource "google_compute_region_network_endpoint_group" "site" {
  count                 = local.cdn
  name                  = local.name
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  depends_on            = [google_project_service.needed]
  cloud_run {
    service = google_cloud_run_v2_service.web.name
  }
}

resource "google_compute_backend_service" "site" {
  count                 = local.cdn
  name                  = local.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  backend {
    group = google_compute_region_network_endpoint_group.site[0].id
  }
}

resource "google_compute_url_map" "site" {
  count           = local.cdn
  name            = local.name
  default_service = google_compute_backend_service.site[0].id
  host_rule {
    hosts        = [var.images_domain]
    path_matcher = "files"
  }
  path_matcher {
    name = "files"
    default_url_redirect {
      host_redirect = var.site_domain
      path_redirect = "/"
      strip_query   = true
    }
    path_rule {
      paths   = ["/pages/*", "/covers/*", "/files/*"]
      service = google_compute_backend_bucket.files[0].id
    }
  }
}

resource "google_compute_managed_ssl_certificate" "site" {
  count      = local.cdn
  name       = local.name
  depends_on = [google_project_service.needed]
  managed {
    domains = [var.site_domain, var.images_domain]
  }
  lifecycle {
    precondition {
      condition     = var.site_domain != "" && var.images_domain != "" && !var.private_files
      error_message = "cdn needs site_domain and images_domain, and files that strangers may read."
    }
  }
}

resource "google_compute_ssl_policy" "site" {
  count           = local.cdn
  name            = local.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.needed]
}

# https only: nothing listens on port 80.
resource "google_compute_target_https_proxy" "site" {
  count            = local.cdn
  name             = local.name
  url_map          = google_compute_url_map.site[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.site[0].id]
  ssl_policy       = google_compute_ssl_policy.site[0].id
}

resource "google_compute_global_address" "site" {
  count      = local.cdn
  name       = local.name
  depends_on = [google_project_service.needed]
}

resource "google_compute_global_forwarding_rule" "site" {
  count                 = local.cdn
  name                  = local.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.site[0].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.site[0].id
}
