<?php
// Asks for what the customers will ask for, once, so that every cache is full before they come: php warm.php BASE_URL
function get( $path ) {
	global $argv;
	$body = file_get_contents( $argv[1] . $path );
	if ( $body === false ) {
		exit( 1 );
	}
	return $body;
}

foreach ( range( 1, 8 ) as $handbook ) {
	get( "/index.php?title=Handbook_$handbook" );
}
foreach ( range( 1, 20 ) as $article ) {
	get( "/index.php?title=Article_$article" );
	preg_match( '/data-mw-revid="([0-9]+)"/', get( "/index.php?title=Article_$article&action=history" ), $found );
	get( "/index.php?diff=$found[1]&oldid=prev" );
}
get( '/index.php?title=Special:UserLogin' );
get( '/index.php?title=Special:Search&fulltext=1&limit=10&search=harbour' );
