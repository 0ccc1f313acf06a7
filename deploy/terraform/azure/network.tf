# The network of the database. The apps go through it too: to storage and vaults by Azure's own way, which is free.

resource "azurerm_virtual_network" "site" {
  count               = local.private ? 1 : 0
  name                = local.name
  resource_group_name = azurerm_resource_group.site.name
  location            = var.location
  address_space       = ["10.20.0.0/16"]
  tags                = local.tags
}

resource "azurerm_subnet" "app" {
  for_each             = local.private ? { site = "10.20.1.0/24", migrations = "10.20.2.0/27" } : {}
  name                 = each.key
  resource_group_name  = azurerm_resource_group.site.name
  virtual_network_name = azurerm_virtual_network.site[0].name
  address_prefixes     = [each.value]
  service_endpoints    = ["Microsoft.Storage", "Microsoft.KeyVault"]
  delegation {
    name = "functions"
    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "database" {
  count                           = local.private ? 1 : 0
  name                            = "database"
  resource_group_name             = azurerm_resource_group.site.name
  virtual_network_name            = azurerm_virtual_network.site[0].name
  address_prefixes                = ["10.20.3.0/28"]
  default_outbound_access_enabled = false
  delegation {
    name = "postgresql"
    service_delegation {
      name    = "Microsoft.DBforPostgreSQL/flexibleServers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_private_dns_zone" "database" {
  count               = local.private ? 1 : 0
  name                = "${local.name}.private.postgres.database.azure.com"
  resource_group_name = azurerm_resource_group.site.name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "database" {
  count                 = local.private ? 1 : 0
  name                  = "database"
  resource_group_name   = azurerm_resource_group.site.name
  private_dns_zone_name = azurerm_private_dns_zone.database[0].name
  virtual_network_id    = azurerm_virtual_network.site[0].id
}
