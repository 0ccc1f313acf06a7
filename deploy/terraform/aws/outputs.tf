output "site" {
  description = "The site's address. With a name of your own, point it to `site_target`."
  value       = local.site_url
}

output "site_target" {
  value = aws_cloudfront_distribution.site.domain_name
}

output "images" {
  description = "Where files are read. With a name of your own, point it to `images_target`."
  value       = local.image_url
}

output "images_target" {
  value = aws_cloudfront_distribution.images.domain_name
}

output "bucket" {
  value = aws_s3_bucket.files.id
}

output "migrations" {
  description = "The function to invoke before the new code starts."
  value       = aws_lambda_function.migrations.function_name
}

output "database" {
  description = "aurora: the cluster and the secret by which its first two roles are made."
  value = local.aurora ? {
    cluster = aws_rds_cluster.site[0].arn
    secret  = one(aws_rds_cluster.site[0].master_user_secret[*].secret_arn)
  } : null
}
