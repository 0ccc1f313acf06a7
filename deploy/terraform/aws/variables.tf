variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "stage" {
  description = "Part of names, and of where the secrets are kept, /roliascan/STAGE/."
  type        = string
  default     = "prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,15}$", var.stage))
    error_message = "A stage is a small letter, then letters, digits and -."
  }
}

variable "package" {
  description = "The archive of `roliascan package aws`."
  type        = string
  default     = "../../../dist/roliascan-0.1.0-aws-arm64-python3.13.zip"
}

variable "migrations" {
  description = "The archive of `roliascan package aws --migrations`."
  type        = string
  default     = "../../../dist/roliascan-migrations-0.1.0-aws-arm64-python3.13.zip"
}

variable "site_domain" {
  description = "The site's own name, such as comics.example; none, and it is CloudFront's."
  type        = string
  default     = ""
}

variable "images_domain" {
  description = "Another name, under which files are read; none, and it is CloudFront's."
  type        = string
  default     = ""
}

variable "certificate_arn" {
  description = "A certificate of ACM in us-east-1 for these names. Needed with them."
  type        = string
  default     = ""
  validation {
    condition     = var.certificate_arn == "" || can(regex("^arn:[^:]+:acm:us-east-1:", var.certificate_arn))
    error_message = "CloudFront takes certificates of us-east-1 only."
  }
}

variable "cors_origins" {
  description = "Other origins whose pages may call the API and upload."
  type        = list(string)
  default     = []
}

variable "sweep" {
  description = "How often what is due is published. Each wakes a database that sleeps."
  type        = string
  default     = "rate(1 hour)"
}

variable "database" {
  description = "outside: Neon, PlanetScale or any other, its address a parameter; aurora: Serverless v2, which pauses; proxy: RDS behind RDS Proxy."
  type        = string
  default     = "outside"
  validation {
    condition     = contains(["outside", "aurora", "proxy"], var.database)
    error_message = "Write outside, aurora or proxy."
  }
}

variable "proxy_secret_arn" {
  description = "proxy: the secret with the user and password of the role `roliascan`."
  type        = string
  default     = ""
}

variable "rds_roots" {
  description = "aurora, proxy: an archive of Amazon's authorities for databases, global-bundle.pem (docs/deploy/databases.md)."
  type        = string
  default     = "rds-roots.zip"
}

variable "zones" {
  description = "aurora, proxy: two availability zones of the region."
  type        = list(string)
  default     = ["a", "b"]
}
