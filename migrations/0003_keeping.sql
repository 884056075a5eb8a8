CREATE TABLE `keeping_runs` (
	`run_id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`started_at` integer NOT NULL,
	`ended_at` integer,
	`result` text
);
--> statement-breakpoint
CREATE INDEX `keeping_runs_by_kind` ON `keeping_runs` (`kind`,`started_at`);--> statement-breakpoint
CREATE TABLE `mirror_jobs` (
	`key` text PRIMARY KEY NOT NULL,
	`digest` text,
	`request_id` text,
	`tries` integer DEFAULT 0 NOT NULL,
	`next_at` integer NOT NULL,
	`error` text
);
--> statement-breakpoint
CREATE INDEX `mirror_jobs_by_time` ON `mirror_jobs` (`next_at`);--> statement-breakpoint
CREATE TABLE `search_docs` (
	`doc` integer PRIMARY KEY NOT NULL,
	`request_id` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `search_docs_request_id_unique` ON `search_docs` (`request_id`);--> statement-breakpoint
ALTER TABLE `assets` ADD `verified_at` integer;--> statement-breakpoint
ALTER TABLE `assets` ADD `fault` text;--> statement-breakpoint
ALTER TABLE `assets` ADD `mirrored_at` integer;--> statement-breakpoint
ALTER TABLE `assets` ADD `erased_at` integer;--> statement-breakpoint
CREATE INDEX `assets_by_bytes` ON `assets` (`bytes`);--> statement-breakpoint
CREATE INDEX `assets_by_size` ON `assets` (`width`,`height`);--> statement-breakpoint
ALTER TABLE `requests` ADD `mirrored_at` integer;--> statement-breakpoint
ALTER TABLE `requests` ADD `note` text;--> statement-breakpoint
ALTER TABLE `requests` ADD `deleted_at` integer;--> statement-breakpoint
ALTER TABLE `requests` ADD `erase_after` integer;--> statement-breakpoint
ALTER TABLE `requests` ADD `erased_at` integer;--> statement-breakpoint
CREATE INDEX `requests_to_erase` ON `requests` (`erase_after`) WHERE erase_after is not null and erased_at is null;