"""The five services and the plumbing they share. The plumbing knows no business word."""

VERSION = "0.1.0"
