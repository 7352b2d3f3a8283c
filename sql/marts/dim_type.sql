-- One row per appointment type.
--
-- type_key: key in all marts.
-- name: as the practice calls it.
-- minutes: how long it takes as a rule.
-- bookable_online: patients can book it themselves.
-- overbooking_intended: meant to be booked beside others (acute slots).
-- needs_room: it holds a room too.
-- active: still in use.
SELECT type_key, name, minutes, bookable_online, overbooking_intended, needs_room, active
FROM core.service
ORDER BY type_key
