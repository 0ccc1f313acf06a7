# Who the apps are, and what they may.

resource "azurerm_user_assigned_identity" "app" {
  for_each            = local.apps
  name                = "${local.name}-${each.key}"
  resource_group_name = azurerm_resource_group.site.name
  location            = var.location
  tags                = local.tags
}

# Files: what is in the container, and a key of this identity's own by which it signs tickets.
resource "azurerm_role_assignment" "files" {
  scope                = azurerm_storage_container.files.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.app["site"].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "tickets" {
  scope                = azurerm_storage_account.files.id
  role_definition_name = "Storage Blob Delegator"
  principal_id         = azurerm_user_assigned_identity.app["site"].principal_id
  principal_type       = "ServicePrincipal"
}

# Each app has an account for its own package, locks and keys, and a vault.
resource "azurerm_role_assignment" "host" {
  for_each             = local.apps
  scope                = azurerm_storage_account.host[each.key].id
  role_definition_name = "Storage Blob Data Owner" # Azure's host asks for it
  principal_id         = azurerm_user_assigned_identity.app[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "vault" {
  for_each             = local.apps
  scope                = azurerm_key_vault.app[each.key].id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.app[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "log" {
  for_each             = local.apps
  scope                = azurerm_application_insights.site.id
  role_definition_name = "Monitoring Metrics Publisher"
  principal_id         = azurerm_user_assigned_identity.app[each.key].principal_id
  principal_type       = "ServicePrincipal"
}
