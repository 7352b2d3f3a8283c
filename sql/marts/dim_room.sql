-- One row per room.
--
-- room_key: key in all marts.
-- name: as the practice calls it.
-- location_key: where it is.
SELECT room_key, name, location_key
FROM core.room
ORDER BY room_key
