# The bucket. Its names cannot be listed by strangers, nor guessed; who knows one reads it, but with `private_files`.

locals {
  image_url = (
    var.private_files ? "" :
    var.cdn ? "https://${var.images_domain}" : "https://storage.googleapis.com/${google_storage_bucket.files.name}"
  )
}

resource "google_storage_bucket" "files" {
  name                        = "${var.project}-${local.name}-files"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = var.private_files ? "enforced" : "inherited"
  depends_on                  = [google_project_service.needed]

  # Browsers put what they upload straight here.
  cors {
    origin          = concat([local.site_url], var.cors_origins)
    method          = ["PUT"]
    response_header = ["Content-Type", "x-goog-content-length-range", "x-goog-if-generation-match"]
    max_age_seconds = 3600
  }

  # What nobody completed goes, also while nothing runs.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 1
      matches_prefix = ["incoming/"]
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  # What is deleted is gone; a copy elsewhere is what `roliascan backup` is for.
  soft_delete_policy {
    retention_duration_seconds = 0
  }
}

# Reads and does not list. Google grants this role on whole buckets only, and Cloud CDN reads as a stranger too.
resource "google_storage_bucket_iam_member" "readers" {
  count  = var.private_files ? 0 : 1
  bucket = google_storage_bucket.files.name
  role   = "roles/storage.legacyObjectReader"
  member = "allUsers"
}
