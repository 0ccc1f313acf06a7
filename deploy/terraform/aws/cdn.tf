# CloudFront before the site and its API. It keeps answers for as long as their Cache-Control says, goes on serving them
# while the site fails (stale-if-error), and asks for everything else.

locals {
  site_url = var.site_domain == "" ? "https://${aws_cloudfront_distribution.site.domain_name}" : "https://${var.site_domain}"
}

resource "aws_cloudfront_distribution" "site" {
  comment         = local.name
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_100"
  aliases         = var.site_domain == "" ? [] : [var.site_domain]

  origin {
    origin_id   = "api"
    domain_name = trimprefix(aws_apigatewayv2_api.site.api_endpoint, "https://")
    origin_path = "/${aws_apigatewayv2_stage.site.name}"
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id         = "api"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    compress                 = true
    cache_policy_id          = aws_cloudfront_cache_policy.site.id
    origin_request_policy_id = "b689b0a8-53d0-40ab-baf2-68738e2966ac" # Managed-AllViewerExceptHostHeader
  }

  # What is refused is not remembered, or who publishes would look at yesterday's 404; what fails, for a second.
  dynamic "custom_error_response" {
    for_each = { 400 = 0, 403 = 0, 404 = 0, 405 = 0, 414 = 0, 416 = 0, 500 = 1, 501 = 1, 502 = 1, 503 = 1, 504 = 1 }
    content {
      error_code            = custom_error_response.key
      error_caching_min_ttl = custom_error_response.value
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.site_domain == ""
    acm_certificate_arn            = var.site_domain == "" ? null : var.certificate_arn
    ssl_support_method             = var.site_domain == "" ? null : "sni-only"
    minimum_protocol_version       = var.site_domain == "" ? "TLSv1" : "TLSv1.2_2021"
  }

  lifecycle {
    precondition {
      condition     = var.certificate_arn != "" || (var.site_domain == "" && var.images_domain == "")
      error_message = "A name of your own needs certificate_arn."
    }
  }
}

# An answer depends on the address with its query, on who is signed in, and on which other page asks (Vary).
resource "aws_cloudfront_cache_policy" "site" {
  name        = local.name
  min_ttl     = 0
  default_ttl = 0 # what says nothing is not kept
  max_ttl     = 31536000
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true
    query_strings_config {
      query_string_behavior = "all"
    }
    headers_config {
      header_behavior = "whitelist"
      headers {
        items = ["Authorization", "Origin"]
      }
    }
    cookies_config {
      cookie_behavior = "whitelist"
      cookies {
        items = ["token"]
      }
    }
  }
}
