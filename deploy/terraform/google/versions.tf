terraform {
  required_version = ">= 1.7"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 7.0"
    }
  }
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = { application = local.name }
}

data "google_project" "site" {
  project_id = var.project
}

locals {
  name = "roliascan-${var.stage}"
  sql  = var.database == "cloudsql"
  apis = concat(
    ["run", "artifactregistry", "cloudbuild", "secretmanager", "iamcredentials", "storage", "cloudscheduler", "logging", "monitoring"],
    local.sql ? ["sqladmin"] : [],
    var.cdn ? ["compute"] : [],
  )
}

resource "google_project_service" "needed" {
  for_each           = toset(local.apis)
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
