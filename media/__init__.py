"""Facts of the medium: time, segments, playlists, FFmpeg. No HTTP, SQL or queue."""
