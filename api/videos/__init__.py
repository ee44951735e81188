"""The videos service: catalogue, uploads, jobs and units; owns the database `streamify_video`."""
