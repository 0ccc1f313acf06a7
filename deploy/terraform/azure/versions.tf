terraform {
  required_version = ">= 1.11"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.55, < 5.0"
    }
    azapi = {
      source  = "azure/azapi"
      version = ">= 2.0, < 3.0"
    }
  }
}

provider "azurerm" {
  subscription_id     = var.subscription
  storage_use_azuread = true # the accounts have no keys
  features {
    storage {
      data_plane_available = false # who deploys has no right to what is in them
    }
  }
}

provider "azapi" {
  subscription_id = var.subscription
}

data "azurerm_client_config" "here" {}

locals {
  name = "roliascan-${var.stage}-${local.mark}"
  mark = substr(sha256("${var.subscription} ${var.stage}"), 0, 6) # names of hosts are the whole world's
  tags = { application = "roliascan-${var.stage}" }
  apps = toset(["site", "migrations"])
}

resource "azurerm_resource_group" "site" {
  name     = "roliascan-${var.stage}"
  location = var.location
  tags     = local.tags
}
