-- The names that people read, before 1.0: what was notified and what is due, whose items they are, and one name for the
-- number of a request and of an asset. SQLite renames columns in indexes, triggers and checks by itself.
ALTER TABLE `batches` RENAME COLUMN `elsewhere` TO `owned_elsewhere`;--> statement-breakpoint
ALTER TABLE `batches` RENAME COLUMN `told` TO `notified_key`;--> statement-breakpoint
ALTER TABLE `batches` RENAME COLUMN `tell_attempts` TO `notify_attempts`;--> statement-breakpoint
ALTER TABLE `batches` RENAME COLUMN `tell_at` TO `notify_after`;--> statement-breakpoint
ALTER TABLE `schedules` RENAME COLUMN `dealt_until` TO `processed_until`;--> statement-breakpoint
ALTER TABLE `requests` RENAME COLUMN `doc` TO `row_number`;--> statement-breakpoint
ALTER TABLE `batch_existing_items` RENAME COLUMN `doc` TO `row_number`;--> statement-breakpoint
ALTER TABLE `assets` RENAME COLUMN `place` TO `asset_id`;--> statement-breakpoint
ALTER TABLE `images` RENAME COLUMN `asset_place` TO `asset_id`;--> statement-breakpoint
ALTER TABLE `keeping_runs` RENAME TO `integrity_runs`;--> statement-breakpoint
DROP INDEX `keeping_runs_by_kind`;--> statement-breakpoint
CREATE INDEX `integrity_runs_by_kind` ON `integrity_runs` (`kind`,`started_at`);
