CREATE TABLE `installation` (
	`row` integer PRIMARY KEY NOT NULL,
	`installation_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`min_version` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `workers` ADD `role` text DEFAULT 'worker' NOT NULL;