# Front Door with two addresses: the site's, and that of files, which it keeps. Only with `cdn`: it costs at rest.

locals {
  fronts  = var.cdn ? { site = local.hosts["site"], images = azurerm_storage_account.files.primary_blob_host } : {}
  domains = { for which, domain in { site = var.site_domain, images = var.images_domain } : which => domain if var.cdn && domain != "" }
  site_url = (
    !var.cdn ? "https://${local.hosts["site"]}" :
    var.site_domain == "" ? "https://${azurerm_cdn_frontdoor_endpoint.site["site"].host_name}" : "https://${var.site_domain}"
  )
}

resource "azurerm_cdn_frontdoor_profile" "site" {
  count                    = var.cdn ? 1 : 0
  name                     = local.name
  resource_group_name      = azurerm_resource_group.site.name
  sku_name                 = "Standard_AzureFrontDoor"
  response_timeout_seconds = 230
  tags                     = local.tags
  lifecycle {
    precondition {
      condition     = !var.private_files
      error_message = "cdn needs files that strangers may read."
    }
  }
}

resource "azurerm_cdn_frontdoor_endpoint" "site" {
  for_each                 = toset(var.cdn ? ["site", "images"] : [])
  name                     = "${local.name}-${each.key}"
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.site[0].id
  tags                     = local.tags
}

# Without probes: they would wake what sleeps.
resource "azurerm_cdn_frontdoor_origin_group" "site" {
  for_each                 = local.fronts
  name                     = each.key
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.site[0].id
  session_affinity_enabled = false
  load_balancing {}
}

resource "azurerm_cdn_frontdoor_origin" "site" {
  for_each                       = local.fronts
  name                           = each.key
  cdn_frontdoor_origin_group_id  = azurerm_cdn_frontdoor_origin_group.site[each.key].id
  enabled                        = true
  host_name                      = each.value
  origin_host_header             = each.value
  certificate_name_check_enabled = true
}

resource "azurerm_cdn_frontdoor_route" "site" {
  count                           = var.cdn ? 1 : 0
  name                            = "site"
  cdn_frontdoor_endpoint_id       = azurerm_cdn_frontdoor_endpoint.site["site"].id
  cdn_frontdoor_origin_group_id   = azurerm_cdn_frontdoor_origin_group.site["site"].id
  cdn_frontdoor_origin_ids        = [azurerm_cdn_frontdoor_origin.site["site"].id]
  cdn_frontdoor_custom_domain_ids = [for which, domain in azurerm_cdn_frontdoor_custom_domain.site : domain.id if which == "site"]
  patterns_to_match               = ["/*"]
  supported_protocols             = ["Http", "Https"]
  https_redirect_enabled          = true
  forwarding_protocol             = "HttpsOnly"
  link_to_default_domain          = var.site_domain == ""
}

resource "azurerm_cdn_frontdoor_route" "images" {
  count                           = var.cdn ? 1 : 0
  name                            = "images"
  cdn_frontdoor_endpoint_id       = azurerm_cdn_frontdoor_endpoint.site["images"].id
  cdn_frontdoor_origin_group_id   = azurerm_cdn_frontdoor_origin_group.site["images"].id
  cdn_frontdoor_origin_ids        = [azurerm_cdn_frontdoor_origin.site["images"].id]
  cdn_frontdoor_origin_path       = "/${azurerm_storage_container.files.name}"
  cdn_frontdoor_custom_domain_ids = [for which, domain in azurerm_cdn_frontdoor_custom_domain.site : domain.id if which == "images"]
  cdn_frontdoor_rule_set_ids      = [azurerm_cdn_frontdoor_rule_set.images[0].id]
  patterns_to_match               = ["/pages/*", "/covers/*", "/files/*"]
  supported_protocols             = ["Http", "Https"]
  https_redirect_enabled          = true
  forwarding_protocol             = "HttpsOnly"
  link_to_default_domain          = var.images_domain == ""
  cache {
    query_string_caching_behavior = "IgnoreQueryString"
  }
}

# What somebody uploaded runs nothing.
resource "azurerm_cdn_frontdoor_rule_set" "images" {
  count                    = var.cdn ? 1 : 0
  name                     = "images"
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.site[0].id
}

resource "azurerm_cdn_frontdoor_rule" "images" {
  count                     = var.cdn ? 1 : 0
  name                      = "inert"
  cdn_frontdoor_rule_set_id = azurerm_cdn_frontdoor_rule_set.images[0].id
  order                     = 1
  depends_on                = [azurerm_cdn_frontdoor_origin.site]
  actions {
    response_header_action {
      header_action = "Overwrite"
      header_name   = "X-Content-Type-Options"
      value         = "nosniff"
    }
    response_header_action {
      header_action = "Overwrite"
      header_name   = "Content-Security-Policy"
      value         = "default-src 'none'; sandbox"
    }
  }
}

resource "azurerm_cdn_frontdoor_custom_domain" "site" {
  for_each                 = local.domains
  name                     = each.key
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.site[0].id
  host_name                = each.value
  tls {
    certificate_type    = "ManagedCertificate"
    minimum_tls_version = "TLS12"
  }
}
