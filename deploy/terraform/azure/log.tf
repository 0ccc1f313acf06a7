# What the apps log. It costs by the GB; a day takes one at most.

resource "azurerm_log_analytics_workspace" "site" {
  name                = local.name
  resource_group_name = azurerm_resource_group.site.name
  location            = var.location
  sku                 = "PerGB2018"
  retention_in_days   = 30
  daily_quota_gb      = 1
  tags                = local.tags
}

resource "azurerm_application_insights" "site" {
  name                          = local.name
  resource_group_name           = azurerm_resource_group.site.name
  location                      = var.location
  workspace_id                  = azurerm_log_analytics_workspace.site.id
  application_type              = "web"
  local_authentication_disabled = true
  tags                          = local.tags
}
