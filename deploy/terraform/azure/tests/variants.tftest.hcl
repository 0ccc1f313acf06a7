# Plans and applies each variant before providers that are played.

mock_provider "azurerm" {
  mock_resource "azurerm_storage_account" {
    defaults = {
      primary_blob_endpoint = "https://rolia.blob.core.windows.net/"
      primary_blob_host     = "rolia.blob.core.windows.net"
    }
  }
  mock_resource "azurerm_key_vault" {
    defaults = { vault_uri = "https://rolia.vault.azure.net/" }
  }
  mock_resource "azurerm_cdn_frontdoor_endpoint" {
    defaults = { host_name = "front.azurefd.net" }
  }
  mock_resource "azurerm_cdn_frontdoor_profile" {
    defaults = { resource_guid = "11111111-2222-3333-4444-555555555555" }
  }
}

mock_provider "azapi" {}

variables {
  subscription      = "00000000-0000-0000-0000-000000000000"
  database_password = "correct horse battery staple" # Terraform 1.11 tests no ephemeral variable that is not set
}

run "outside" {
  command = apply

  assert {
    condition     = strcontains(azurerm_application_insights_workbook.site.data_json, "AppRoleName == '${azapi_resource.app["site"].name}'") && can(jsondecode(azurerm_application_insights_workbook.site.data_json))
    error_message = "the workbook asks for another app"
  }
  assert {
    condition     = local.site.DATABASE_URL == "@Microsoft.KeyVault(SecretUri=https://rolia.vault.azure.net/secrets/database-url)"
    error_message = "the address is no reference"
  }
  assert {
    condition     = local.site.IMAGE_URL == "https://rolia.blob.core.windows.net/files" && local.site.TRUSTED_HOPS == "0"
    error_message = "files are read elsewhere"
  }
  assert {
    condition     = length(azurerm_postgresql_flexible_server.site) + length(azurerm_virtual_network.site) + length(azurerm_cdn_frontdoor_profile.site) == 0
    error_message = "something is made that costs at rest"
  }
  assert {
    condition     = azapi_resource.app["site"].body.properties.siteConfig.ipSecurityRestrictionsDefaultAction == "Allow"
    error_message = "nobody reaches the site"
  }
  assert {
    condition     = length([for one in azapi_resource.app["migrations"].body.properties.siteConfig.appSettings : one if one.name == "DATABASE_DIRECT_URL"]) == 1
    error_message = "migrations are not told where"
  }
  assert {
    condition     = alltrue([for one in values(azurerm_storage_account.host) : length(one.name) <= 24]) && alltrue([for one in values(azurerm_key_vault.app) : length(one.name) <= 24])
    error_message = "a name is longer than Azure takes"
  }
}

run "flexible" {
  command = plan # what nobody may destroy could not be put away after the test
  variables {
    database = "flexible"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.site[0].administrator_password_wo == null
    error_message = "the password is kept"
  }
  assert {
    condition     = keys(azurerm_subnet.app) == ["migrations", "site"] && length(azurerm_private_dns_zone_virtual_network_link.database) == 1
    error_message = "an app is not in the network of the database"
  }
}

run "cdn" {
  command = apply
  variables {
    cdn         = true
    site_domain = "comics.example"
  }

  assert {
    condition     = local.site.PUBLIC_URL == "https://comics.example" && local.site.IMAGE_URL == "https://front.azurefd.net" && local.site.TRUSTED_HOPS == "1"
    error_message = "the site does not know what stands before it"
  }
  assert {
    condition     = azapi_resource.app["site"].body.properties.siteConfig.ipSecurityRestrictionsDefaultAction == "Deny" && azapi_resource.app["site"].body.properties.siteConfig.ipSecurityRestrictions[0].headers["x-azure-fdid"][0] == "11111111-2222-3333-4444-555555555555"
    error_message = "the site can be reached past Front Door"
  }
  assert {
    condition     = azapi_resource.app["migrations"].body.properties.siteConfig.ipSecurityRestrictionsDefaultAction == "Allow"
    error_message = "nobody reaches what migrates"
  }
}

run "private" {
  command = plan
  variables {
    private_files = true
  }

  assert {
    condition     = local.site.FILES == "private" && local.site.IMAGE_URL == "" && azurerm_storage_container.files.container_access_type == "private" && !azurerm_storage_account.files.allow_nested_items_to_be_public
    error_message = "strangers read files"
  }
}
