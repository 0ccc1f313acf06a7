variable "project" {
  description = "The project's identifier."
  type        = string
}

variable "region" {
  type    = string
  default = "europe-west1"
}

variable "stage" {
  description = "Part of names, also of the secrets': roliascan-STAGE-jwt-secret."
  type        = string
  default     = "prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,7}$", var.stage))
    error_message = "A stage is a small letter, then letters and digits, eight at most."
  }
}

variable "release" {
  description = "Which image serves: the tag that build.sh was given."
  type        = string
}

variable "migrations_release" {
  description = "Which image migrates, where it is another: it goes first."
  type        = string
  default     = ""
}

variable "database" {
  description = "outside: Neon or any other, its address a secret; cloudsql: an instance of its own, by its socket."
  type        = string
  default     = "outside"
  validation {
    condition     = contains(["outside", "cloudsql"], var.database)
    error_message = "Write outside or cloudsql."
  }
}

variable "database_tier" {
  description = "cloudsql: the machine. The smallest takes 25 connections."
  type        = string
  default     = "db-f1-micro"
}

variable "subnet" {
  description = "outside: a subnet of this region, for a database in your own network. None, and the way leads over the internet."
  type        = string
  default     = ""
}

variable "max_instances" {
  description = "Of the site. Times four connections has to stay below what the database takes."
  type        = number
  default     = 5
}

variable "sweep" {
  description = "How often what is due is published. Each wakes a database that sleeps."
  type        = string
  default     = "0 * * * *"
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
  description = "A load balancer with Cloud CDN before the files. It costs at rest, and needs both names."
  type        = bool
  default     = false
}

variable "site_domain" {
  description = "cdn: the site's own name, such as comics.example."
  type        = string
  default     = ""
}

variable "images_domain" {
  description = "cdn: another name, under which files are read."
  type        = string
  default     = ""
}
