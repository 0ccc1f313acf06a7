variable "subscription" {
  description = "The subscription's identifier."
  type        = string
}

variable "location" {
  type    = string
  default = "westeurope"
}

variable "stage" {
  description = "Part of names."
  type        = string
  default     = "prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,5}$", var.stage))
    error_message = "A stage is a small letter, then letters and digits, six at most."
  }
}

variable "database" {
  description = "outside: Neon or any other, its address a secret; flexible: PostgreSQL of its own, in a network."
  type        = string
  default     = "outside"
  validation {
    condition     = contains(["outside", "flexible"], var.database)
    error_message = "Write outside or flexible."
  }
}

variable "database_sku" {
  description = "flexible: the machine. The smallest takes 47 connections."
  type        = string
  default     = "B_Standard_B1ms"
}

variable "database_password" {
  description = "flexible: of the administrator `roliascan_admin`. Terraform passes it on and keeps it nowhere."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "max_instances" {
  description = "Of the site; each opens one connection."
  type        = number
  default     = 40
}

variable "sweep" {
  description = "How often what is due is published: seconds, minutes, hours, days, months, days of the week. Each wakes a database that sleeps."
  type        = string
  default     = "0 0 * * * *"
}

variable "cors_origins" {
  description = "Other origins whose pages may call the API and upload."
  type        = list(string)
  default     = []
}

variable "private_files" {
  description = "Nothing in the storage is public: readers ask the site, which sends them on. Not with cdn."
  type        = bool
  default     = false
}

variable "cdn" {
  description = "Front Door before the site and its files. It costs at rest."
  type        = bool
  default     = false
}

variable "site_domain" {
  description = "cdn: the site's own name, such as comics.example; none, and it is Front Door's."
  type        = string
  default     = ""
}

variable "images_domain" {
  description = "cdn: another name, under which files are read; none, and it is Front Door's."
  type        = string
  default     = ""
}
