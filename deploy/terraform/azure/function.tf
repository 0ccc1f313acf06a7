# The site with its sweep, and what migrates its database: two apps of Flex Consumption, which start when they are called
# and cost nothing while nobody does. They are made by Azure's own API: the resource azurerm_function_app_flex_consumption
# cannot say by which identity an app reads its vault, and gives it an empty connection string to start with.

locals {
  hosts = { for app in local.apps : app => "${local.name}-${app}.azurewebsites.net" }
  site = {
    DATABASE_URL  = "@Microsoft.KeyVault(SecretUri=${azurerm_key_vault.app["site"].vault_uri}secrets/database-url)"
    JWT_SECRET    = "@Microsoft.KeyVault(SecretUri=${azurerm_key_vault.app["site"].vault_uri}secrets/jwt-secret)"
    PUBLIC_URL    = local.site_url
    STORAGE_URL   = "az://${azurerm_storage_account.files.name}/${azurerm_storage_container.files.name}"
    IMAGE_URL     = local.image_url
    FILES         = var.private_files ? "private" : "public"
    CORS_ORIGINS  = join(",", var.cors_origins)
    TRUSTED_HOPS  = var.cdn ? "1" : "0" # Front Door; nobody else gets through then
    DATABASE_POOL = "1"                 # Azure gives a process of Python one request at a time
  }
  settings = {
    site = local.site
    migrations = {
      DATABASE_DIRECT_URL = "@Microsoft.KeyVault(SecretUri=${azurerm_key_vault.app["migrations"].vault_uri}secrets/database-direct-url)"
    }
  }
  # Who the app is to its own storage, to the files, and to what keeps its log.
  platform = { for app in local.apps : app => merge(app == "site" ? { SWEEP = var.sweep } : {}, {
    AzureWebJobsStorage__accountName          = azurerm_storage_account.host[app].name
    AzureWebJobsStorage__credential           = "managedidentity"
    AzureWebJobsStorage__clientId             = azurerm_user_assigned_identity.app[app].client_id
    AZURE_CLIENT_ID                           = azurerm_user_assigned_identity.app[app].client_id
    APPLICATIONINSIGHTS_CONNECTION_STRING     = azurerm_application_insights.site.connection_string
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${azurerm_user_assigned_identity.app[app].client_id};Authorization=AAD"
  }) }
  front_door = [for guid in azurerm_cdn_frontdoor_profile.site[*].resource_guid : {
    name      = "front-door"
    priority  = 100
    action    = "Allow"
    tag       = "ServiceTag"
    ipAddress = "AzureFrontDoor.Backend"
    headers   = { "x-azure-fdid" = [guid] }
  }]
}

resource "azurerm_service_plan" "app" {
  for_each            = local.apps
  name                = "${local.name}-${each.key}"
  resource_group_name = azurerm_resource_group.site.name
  location            = var.location
  os_type             = "Linux"
  sku_name            = "FC1"
  tags                = local.tags
}

resource "azapi_resource" "app" {
  for_each  = local.apps
  type      = "Microsoft.Web/sites@2024-04-01"
  name      = "${local.name}-${each.key}"
  parent_id = azurerm_resource_group.site.id
  location  = var.location
  tags      = local.tags
  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app[each.key].id]
  }
  body = {
    kind = "functionapp,linux"
    properties = {
      serverFarmId              = azurerm_service_plan.app[each.key].id
      httpsOnly                 = true
      keyVaultReferenceIdentity = azurerm_user_assigned_identity.app[each.key].id
      virtualNetworkSubnetId    = local.private ? azurerm_subnet.app[each.key].id : null
      siteConfig = {
        minTlsVersion                       = "1.2"
        ftpsState                           = "Disabled"
        appSettings                         = [for name, value in merge(local.platform[each.key], local.settings[each.key]) : { name = name, value = value }]
        ipSecurityRestrictions              = each.key == "site" ? local.front_door : []
        ipSecurityRestrictionsDefaultAction = each.key == "site" && var.cdn ? "Deny" : "Allow"
      }
      functionAppConfig = {
        runtime = { name = "python", version = "3.13" }
        scaleAndConcurrency = {
          instanceMemoryMB     = 2048
          maximumInstanceCount = var.max_instances
        }
        deployment = { storage = {
          type  = "blobContainer"
          value = "${azurerm_storage_account.host[each.key].primary_blob_endpoint}${azurerm_storage_container.packages[each.key].name}"
          authentication = {
            type                           = "UserAssignedIdentity"
            userAssignedIdentityResourceId = azurerm_user_assigned_identity.app[each.key].id
          }
        } }
      }
    }
  }
  depends_on = [azurerm_role_assignment.host, azurerm_role_assignment.vault]
}
