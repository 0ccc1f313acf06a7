# What one looks at: a workbook, which asks the log when it is opened and costs nothing else. What is asked of a log of
# this plan is not paid; what arrives there is, see log.tf.

resource "azurerm_application_insights_workbook" "site" {
  name                = uuidv5("dns", "${local.name}.workbook")
  resource_group_name = azurerm_resource_group.site.name
  location            = var.location
  display_name        = local.name
  source_id           = lower(azurerm_log_analytics_workspace.site.id)
  tags                = local.tags
  data_json = templatefile("${path.module}/dashboard.json.tmpl", {
    Workspace = azurerm_log_analytics_workspace.site.id
    App       = "${local.name}-site"
  })
}

output "dashboard" {
  description = "Where to look."
  value       = "https://portal.azure.com/#resource${azurerm_application_insights_workbook.site.id}/workbook"
}
