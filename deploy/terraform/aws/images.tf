# CloudFront before the bucket, under a host name of its own: what is uploaded never runs as a page of the site.

locals {
  image_url = var.images_domain == "" ? "https://${aws_cloudfront_distribution.images.domain_name}" : "https://${var.images_domain}"
}

resource "aws_cloudfront_distribution" "images" {
  comment         = "${local.name}, files"
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_100"
  aliases         = var.images_domain == "" ? [] : [var.images_domain]

  origin {
    origin_id                = "files"
    domain_name              = aws_s3_bucket.files.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.files.id
  }

  default_cache_behavior {
    target_origin_id           = "files"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = "658327ea-f89d-4fab-a63d-7e88639e58f6" # Managed-CachingOptimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.files.id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.images_domain == ""
    acm_certificate_arn            = var.images_domain == "" ? null : var.certificate_arn
    ssl_support_method             = var.images_domain == "" ? null : "sni-only"
    minimum_protocol_version       = var.images_domain == "" ? "TLSv1" : "TLSv1.2_2021"
  }
}

resource "aws_cloudfront_origin_access_control" "files" {
  name                              = "${local.name}-files"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_response_headers_policy" "files" {
  name = "${local.name}-files"
  security_headers_config {
    content_security_policy {
      content_security_policy = "default-src 'none'; sandbox"
      override                = true
    }
    content_type_options {
      override = true
    }
  }
}
