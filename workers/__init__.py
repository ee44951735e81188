"""What happens without a request: transcoding, shipping the fetch log, metering, sweeping."""
