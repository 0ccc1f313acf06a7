output "site" {
  description = "The site's address."
  value       = local.site_url
}

output "images" {
  description = "Where files are read."
  value       = local.image_url
}

output "targets" {
  description = "cdn: what names of your own lead to."
  value       = { for which, front in azurerm_cdn_frontdoor_endpoint.site : which => front.host_name }
}

output "proofs" {
  description = "cdn: for each name, what the TXT record `_dnsauth` of it has to say."
  value       = { for which, domain in azurerm_cdn_frontdoor_custom_domain.site : domain.host_name => domain.validation_token }
}

output "storage" {
  description = "STORAGE_URL, for commands of yours."
  value       = local.site.STORAGE_URL
}

output "group" {
  value = azurerm_resource_group.site.name
}

output "apps" {
  description = "The names of the two apps, for az."
  value       = { for app, one in azapi_resource.app : app => one.name }
}

output "vaults" {
  description = "Where the secrets go."
  value       = { for app, one in azurerm_key_vault.app : app => one.name }
}

output "database" {
  description = "flexible: its host."
  value       = one(azurerm_postgresql_flexible_server.site[*].fqdn)
}
