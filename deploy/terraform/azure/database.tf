# PostgreSQL in a network of its own, which no one else reaches. RoliaScan does not log in by Entra, so its roles have
# passwords; their addresses are secrets in the vaults.

locals {
  private = var.database == "flexible"
}

resource "azurerm_postgresql_flexible_server" "site" {
  count                             = local.private ? 1 : 0
  name                              = local.name
  resource_group_name               = azurerm_resource_group.site.name
  location                          = var.location
  version                           = "16"
  sku_name                          = var.database_sku
  storage_mb                        = 32768
  backup_retention_days             = 7
  administrator_login               = "roliascan_admin"
  administrator_password_wo         = var.database_password
  administrator_password_wo_version = 1
  public_network_access_enabled     = false
  delegated_subnet_id               = azurerm_subnet.database[0].id
  private_dns_zone_id               = azurerm_private_dns_zone.database[0].id
  depends_on                        = [azurerm_private_dns_zone_virtual_network_link.database]
  tags                              = local.tags
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [zone]
  }
}

resource "azurerm_postgresql_flexible_server_database" "site" {
  count     = local.private ? 1 : 0
  name      = "roliascan"
  server_id = azurerm_postgresql_flexible_server.site[0].id
}
