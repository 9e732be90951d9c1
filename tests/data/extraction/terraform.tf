# The shop's cloud.
terraform {
  required_version = ">= 1.5"
}

# How many machines.
variable "machine_count" {
  type    = number
  default = 3
}

locals {
  name = "shop-${var.environment}"
}

/* Keeps the logs. */
resource "aws_s3_bucket" "logs" {
  bucket = "${local.name}-logs"

  lifecycle_rule {
    enabled = true
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    actions = ["s3:GetObject"]
  }
}

module "network" {
  source = "./modules/network"
}

output "bucket" {
  value = aws_s3_bucket.logs.id
}

provider "aws" {
  region = "eu-central-1"
}

resource "broken" {
  x = (
}

resource "aws_instance" "found" {
  ami = "ünï"
}
