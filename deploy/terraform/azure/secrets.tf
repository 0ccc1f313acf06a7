# A vault for each app; you put the secrets there by az, so that Terraform's state has none.

resource "azurerm_key_vault" "app" {
  for_each                   = local.apps
  name                       = "rolia${var.stage}${local.mark}${substr(each.key, 0, 4)}"
  resource_group_name        = azurerm_resource_group.site.name
  location                   = var.location
  tenant_id                  = data.azurerm_client_config.here.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
  soft_delete_retention_days = 7
  tags                       = local.tags
}
