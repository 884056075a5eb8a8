ALTER TABLE `workers` ADD `stopped_at` integer;--> statement-breakpoint
ALTER TABLE `workers` ADD `version` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `workers` ADD `generate_concurrency` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `workers` ADD `archive_concurrency` integer DEFAULT 0 NOT NULL;