# Files, and beside them what belongs to the apps themselves. No account has a key: Entra says who may.

locals {
  image_url = (
    var.private_files ? "" :
    !var.cdn ? "${azurerm_storage_account.files.primary_blob_endpoint}${azurerm_storage_container.files.name}" :
    var.images_domain == "" ? "https://${azurerm_cdn_frontdoor_endpoint.site["images"].host_name}" : "https://${var.images_domain}"
  )
}

resource "azurerm_storage_account" "files" {
  name                            = "rolia${var.stage}${local.mark}files"
  resource_group_name             = azurerm_resource_group.site.name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  https_traffic_only_enabled      = true
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  local_user_enabled              = false
  allow_nested_items_to_be_public = !var.private_files # readers are strangers to it, see the container
  tags                            = local.tags

  # Browsers put what they upload straight here. What is deleted is gone; a copy elsewhere is what `roliascan backup` is for.
  blob_properties {
    versioning_enabled = false
    cors_rule {
      allowed_origins    = concat([local.site_url], var.cors_origins)
      allowed_methods    = ["PUT"]
      allowed_headers    = ["content-type", "x-ms-blob-type"]
      exposed_headers    = [""]
      max_age_in_seconds = 3600
    }
  }
}

# "blob": who knows the name of a file reads it; nobody lists them. Never "container".
resource "azurerm_storage_container" "files" {
  name                  = "files"
  storage_account_id    = azurerm_storage_account.files.id
  container_access_type = var.private_files ? "private" : "blob"
}

# What nobody completed goes, also while nothing runs.
resource "azurerm_storage_management_policy" "files" {
  storage_account_id = azurerm_storage_account.files.id
  rule {
    name    = "incoming"
    enabled = true
    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["${azurerm_storage_container.files.name}/incoming/"]
    }
    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = 1
      }
    }
  }
}

resource "azurerm_storage_account" "host" {
  for_each                        = local.apps
  name                            = "rolia${var.stage}${local.mark}${substr(each.key, 0, 4)}"
  resource_group_name             = azurerm_resource_group.site.name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  https_traffic_only_enabled      = true
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  local_user_enabled              = false
  allow_nested_items_to_be_public = false
  tags                            = local.tags
}

resource "azurerm_storage_container" "packages" {
  for_each              = local.apps
  name                  = "packages"
  storage_account_id    = azurerm_storage_account.host[each.key].id
  container_access_type = "private"
}
