"""Attacks on delivery, and where each is tried. `test_matrix.py` checks that every test named here exists.

Tokens
  each place of a token changed           hardening/test_tokens.py::test_a_token_changed_in_any_place_opens_nothing
  parts of real tokens put together       hardening/test_tokens.py::test_tokens_made_of_parts_of_real_ones_open_nothing
  other secrets, kids, purposes           hardening/test_tokens.py::test_what_other_secrets_or_purposes_signed_opens_nothing
  over by a second                        hardening/test_tokens.py::test_a_token_that_is_over_opens_nothing
  over while its verdict is kept          nginx/test_media.py::test_a_token_expires_on_time_though_its_verdict_was_kept
  secrets that rotate                     streaming/test_verdicts.py::test_a_session_goes_on_when_its_secret_is_not_the_newest_any_more
  one spelling                            hardening/test_flood.py::test_a_token_has_one_spelling_and_so_one_verdict
Paths
  each place of a path changed            hardening/test_tokens.py::test_a_path_changed_in_any_place_opens_no_other_film
  out of the tree                         nginx/test_paths.py::test_no_path_leads_out_of_its_tree
  internal addresses                      nginx/test_paths.py::test_what_is_internal_is_not_there
  what is authorised is what is opened    nginx/test_paths.py::test_other_spellings_of_a_path_are_authorised_as_the_file_they_name
  links among renditions                  nginx/test_media.py::test_a_link_among_the_renditions_leads_nowhere
  requests that cannot be read            nginx/test_paths.py::test_a_broken_request_gets_a_problem_too
Headers
  words for the validator                 nginx/test_headers.py::test_no_word_of_a_client_reaches_the_validator
  words that might make a no a yes        hardening/test_verdict_cache.py::test_no_header_makes_a_no_a_yes
  what services say stays inside          nginx/test_headers.py::test_what_services_say_to_nginx_or_of_themselves_stays_inside
  ranges                                  nginx/test_fetch_log.py::test_a_segment_read_in_thirds_is_not_free
Kept verdicts
  one video's for another's               hardening/test_verdict_cache.py::test_a_yes_for_one_video_is_none_for_another
  never longer than five seconds          nginx/test_verdict_times.py::test_an_end_bites_within_five_seconds_however_a_player_fetches
  every spelling ends with its session    hardening/test_verdict_cache.py::test_an_end_ends_every_spelling_of_an_address
  ends and refreshes in any order         hardening/test_verdict_cache.py::test_a_no_is_not_overtaken_by_a_yes_that_was_on_its_way
  402 and 429, kept or not                nginx/test_verdict_times.py::test_too_many_sessions_are_refused_cached_or_not
  an outage ends                          nginx/test_verdict_times.py::test_an_outage_lasts_no_longer_than_the_token
  a flood of forgeries                    hardening/test_flood.py::test_ten_thousand_forgeries_push_no_verdict_out
  a flood under a real token              hardening/test_flood.py::test_a_viewers_token_fills_nothing
  genuine tokens without a session        hardening/test_flood.py::test_genuine_tokens_of_sessions_that_are_not_fill_little
  spoilt or exchanged on disk             hardening/test_never_open.py::test_verdicts_that_were_spoilt_on_disk_are_asked_for_again
Never open
  the validator talks nonsense            hardening/test_never_open.py::test_nonsense_from_the_validator_is_no_yes
  the validator is away                   nginx/test_outage.py::test_known_viewers_go_on_and_unknown_ones_wait_while_no_verdict_can_be_had
  Redis and PostgreSQL are away           streaming/test_verdicts_live.py::test_without_both_nobody_can_say
  no room for verdicts                    hardening/test_never_open.py::test_where_no_verdict_can_be_kept_no_stranger_comes_in
Edge
  kept files are not more open            edge/test_edge.py::test_what_is_kept_is_refused_like_what_is_not
  the token stays in the address          edge/test_origin.py::test_the_token_is_nowhere_but_in_the_address
  nothing without a verdict               edge/test_origin.py::test_nothing_kept_is_shown_while_nobody_can_say_to_whom
  the origin's door is for edges          edge/test_origin.py::test_the_gateway_shows_edges_alone_media_without_a_token
  a generation is another film            edge/test_edge.py::test_a_new_generation_is_another_film
Lines
  what a client says is in none           nginx/test_fetch_log.py::test_no_header_gets_into_the_line
  no token is written                     nginx/test_fetch_log.py::test_no_token_is_written_anywhere
  any bytes are a fetch or refused        media/test_fetch.py::test_any_bytes_are_a_fetch_or_refused
  no line stops the meter                 workers/test_hostile_lines.py::test_no_line_stops_the_meter
Kills
  shippers, between any two steps         workers/test_kills.py::test_shippers_killed_anywhere_lose_and_double_nothing
  a Redis that lost its tail              workers/test_kills.py::test_a_redis_killed_with_its_tail_gets_it_again
  rotations under load                    workers/test_rotation.py::test_rotations_lose_and_double_nothing
  meters, and rotations                   workers/test_meter.py::test_kills_and_rotation_lose_and_double_nothing
  everything, under fifty viewers         faults/test_playback.py::test_viewers_play_on_and_pay_exactly_what_the_log_says
Limits
  forgeries from one address              nginx/test_limits.py::test_forgeries_are_refused_before_anybody_is_asked
  a session that asks too fast            nginx/test_pacing.py::test_a_greedy_player_is_refused_once_a_hundred_requests_wait
  clients that take their time            nginx/test_slow.py::test_slow_clients_are_let_go_while_others_are_served
"""  # noqa: E501 - a row is a row
